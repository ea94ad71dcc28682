import { SetMetadata } from '@nestjs/common';
import type { DomainError, ErrorDefinition } from '../errors/domain-error.js';

export const PROBLEMS = 'taskflow:problems';

/**
 * Names the errors of a route that nothing else tells: those of its own domain. What follows from guards, limits,
 * bodies and stores is added to the OpenAPI document for every route.
 */
export const Problems = (...errors: readonly (new () => DomainError & ErrorDefinition)[]): MethodDecorator =>
  SetMetadata(
    PROBLEMS,
    errors.map((Type) => new Type().code),
  );
