import type { INestApplication } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { CACHED_READ } from '../cache/cached.js';
import { VERSIONED } from '../http/conditional.js';
import { PAGED } from '../paging/page.js';
import { PUBLIC, ROLE } from '../security/access.js';
import type { Role } from '../security/principal.js';
import { ANSWER_HEADERS } from './answer-headers.decorator.js';
import { PROBLEMS } from './problems.decorator.js';

/** What the guards and interceptors will do for a route, read from the same marks that they read. */
export interface OperationFacts {
  readonly isPublic: boolean;
  readonly role?: Role;
  readonly isVersioned: boolean;
  readonly isPaged: boolean;
  readonly isCached: boolean;
  /** Codes of the errors that belong to the operation itself. */
  readonly problems: readonly string[];
  /** Header fields that the handler adds to a good answer, with what they say. */
  readonly answerHeaders: Readonly<Record<string, string>>;
}

/** `tasks.list` for `TasksController.list`: the names of methods in generated clients. */
export function operationId(controller: string, method: string): string {
  const name = controller.replace(/Controller$/, '');
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}.${method}`;
}

/** The facts of every controller method, by operation id. */
export function operationFacts(app: INestApplication): ReadonlyMap<string, OperationFacts> {
  const reflector = app.get(Reflector);
  const scanner = new MetadataScanner();
  const facts = new Map<string, OperationFacts>();
  for (const { metatype, instance } of app.get(DiscoveryService).getControllers()) {
    if (!metatype || !instance) continue;
    const prototype = Object.getPrototypeOf(instance) as Record<string, Function>;
    for (const name of scanner.getAllMethodNames(prototype)) {
      const method = prototype[name]!;
      const targets = [method, metatype];
      facts.set(operationId(metatype.name, name), {
        isPublic: reflector.getAllAndOverride<boolean | undefined>(PUBLIC, targets) ?? false,
        role: reflector.getAllAndOverride<Role | undefined>(ROLE, targets),
        isVersioned: reflector.get(VERSIONED, method) !== undefined,
        isPaged: reflector.get(PAGED, method) !== undefined,
        isCached: reflector.get(CACHED_READ, method) !== undefined,
        problems: reflector.get<readonly string[] | undefined>(PROBLEMS, method) ?? [],
        answerHeaders: reflector.get<Readonly<Record<string, string>> | undefined>(ANSWER_HEADERS, method) ?? {},
      });
    }
  }
  return facts;
}
