import { ApiProperty, ApiPropertyOptional, getSchemaPath, ApiExtraModels } from '@nestjs/swagger';
import { ArrayMaxSize, Equals, IsArray, IsDefined, IsInt, IsString, Min } from 'class-validator';
import { InputInvalid } from '../../core/errors/core.errors.js';
import { Optional } from '../../core/http/fields.js';
import { validateInput } from '../../core/http/validation.pipe.js';
import { CreateTask, UpdateTask } from './task.dto.js';

export const MAX_OPERATIONS = 100;

/** One operation as it is documented; each kind is validated by the class of its own below. */
@ApiExtraModels(CreateTask, UpdateTask)
export class BulkOperation {
  @ApiProperty({ enum: ['create', 'update', 'delete', 'restore'] }) op: string;
  /** Of the task; for everything but `create`. */
  @ApiPropertyOptional() id?: string;
  /** Like `If-Match`: another version of the task is answered by 412. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1 }) version?: number;
  /** A whole task for `create`, a merge patch for `update`. */
  @ApiPropertyOptional({ anyOf: [{ $ref: getSchemaPath(CreateTask) }, { $ref: getSchemaPath(UpdateTask) }] })
  task?: object;
}

export class BulkTasks {
  /** Independent of each other; those on the same task happen in their order. */
  @ApiProperty({
    type: [BulkOperation],
    maxItems: MAX_OPERATIONS,
    example: [
      { op: 'create', task: { title: 'Water the plants' } },
      { op: 'update', id: '67f1d3b2a4c5e6f708192a3b', version: 3, task: { status: 'done' } },
    ],
  })
  @IsArray()
  @ArrayMaxSize(MAX_OPERATIONS)
  operations: unknown[];
}

class BulkCreate {
  @Equals('create') op: 'create';
  @IsDefined() task: unknown;
}

class OnTask {
  @IsString() id: string;
  @Optional() @IsInt() @Min(1) version?: number;
}

class BulkUpdate extends OnTask {
  @Equals('update') op: 'update';
  @IsDefined() task: unknown;
}

class BulkDelete extends OnTask {
  @Equals('delete') op: 'delete';
}

class BulkRestore extends OnTask {
  @Equals('restore') op: 'restore';
}

/** What may stand in `operations`, read and validated. */
export type Operation =
  | { readonly op: 'create'; readonly task: CreateTask }
  | { readonly op: 'update'; readonly id: string; readonly version?: number; readonly task: UpdateTask }
  | { readonly op: 'delete' | 'restore'; readonly id: string; readonly version?: number };

/** @param pointer of the operation in the body. @throws InputInvalid */
export function readOperation(input: unknown, pointer: string): Operation {
  const op = (input as { op?: unknown } | null)?.op;
  switch (op) {
    case 'create': {
      const { task } = validateInput(BulkCreate, input, pointer);
      return { op, task: validateInput(CreateTask, task, `${pointer}/task`) };
    }
    case 'update': {
      const { id, version, task } = validateInput(BulkUpdate, input, pointer);
      return { op, id, version, task: validateInput(UpdateTask, task, `${pointer}/task`) };
    }
    case 'delete':
      return validateInput(BulkDelete, input, pointer);
    case 'restore':
      return validateInput(BulkRestore, input, pointer);
    default: {
      const message = 'must be one of create, update, delete, restore';
      throw new InputInvalid({ errors: [{ pointer: `${pointer}/op`, code: 'is_in', message }] });
    }
  }
}
