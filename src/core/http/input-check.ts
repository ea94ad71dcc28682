import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';

const SCALARS = new Set<unknown>([undefined, Object, String, Number, Boolean, Array]);

/** Closed by default: an application with a body or query that no DTO describes does not boot. */
@Injectable()
export class InputCheck implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  onModuleInit(): void {
    for (const { metatype, instance } of this.discovery.getControllers()) {
      if (!metatype || !instance) continue;
      const prototype = Object.getPrototypeOf(instance) as object;
      for (const method of this.scanner.getAllMethodNames(prototype)) {
        this.checkMethod(metatype, prototype, method);
      }
    }
  }

  private checkMethod(metatype: Function, prototype: object, method: string): void {
    const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, metatype, method) ?? {}) as Record<
      string,
      { index: number }
    >;
    const types = (Reflect.getMetadata('design:paramtypes', prototype, method) ?? []) as unknown[];
    for (const [key, { index }] of Object.entries(args)) {
      const kind = Number(key.split(':', 1)[0]);
      const isInput = kind === (RouteParamtypes.BODY as number) || kind === (RouteParamtypes.QUERY as number);
      if (isInput && SCALARS.has(types[index])) {
        throw new Error(`${metatype.name}.${method}: parameter ${index} takes input without a DTO class`);
      }
    }
  }
}
