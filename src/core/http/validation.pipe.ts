import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { plainToInstance, type ClassConstructor } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { InputInvalid } from '../errors/core.errors.js';
import type { InputError } from '../errors/domain-error.js';

/**
 * Turns plain input into an instance of its DTO.
 * @param pointer JSON pointer (RFC 6901) of where the input stands in the body, `''` for the body itself
 * @throws InputInvalid with a pointer for everything that is wrong, unknown fields included
 */
export function validateInput<T extends object>(dto: ClassConstructor<T>, input: unknown, pointer = ''): T {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new InputInvalid({ errors: [{ pointer, code: 'object', message: 'must be an object' }] });
  }
  const value = plainToInstance(dto, input);
  const errors = validateSync(value, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  // class-transformer drops fields named like a method of every object, such as toString, before anybody refuses them.
  const dropped = Object.keys(input).filter((field) => !Object.hasOwn(value, field));
  const all = [
    ...errors.flatMap((error) => flatten(error, pointer)),
    ...dropped.map((field) => unknown(field, pointer)),
  ];
  if (all.length > 0) throw new InputInvalid({ errors: all });
  return value;
}

const pointerTo = (field: string, parent: string): string =>
  `${parent}/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;

const unknown = (field: string, parent: string): InputError => ({
  pointer: pointerTo(field, parent),
  code: 'unknown_field',
  message: 'is not a known field',
});

function flatten(error: ValidationError, parent: string): InputError[] {
  const pointer = pointerTo(error.property, parent);
  const own = Object.entries(error.constraints ?? {}).map(([constraint, message]) =>
    constraint === 'whitelistValidation'
      ? unknown(error.property, parent)
      : { pointer, code: snakeCase(constraint), message: withoutName(message, error.property) },
  );
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, pointer))];
}

/** class-validator begins with the name of the property, which the pointer says already. */
const withoutName = (message: string, name: string): string =>
  message.replace(`each value in ${name} `, 'each value ').replace(`${name} `, '');

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Validates bodies and queries against the DTO class of their parameter. `input-check.ts` refuses to boot without one. */
@Injectable()
export class InputPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if ((type !== 'body' && type !== 'query') || !metatype) return value;
    return validateInput(metatype as ClassConstructor<object>, value === undefined ? {} : value);
  }
}
