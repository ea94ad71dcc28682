import { Injectable, type PipeTransform } from '@nestjs/common';
import { TaskNotFound } from './tasks.errors.js';

export const isTaskId = (text: string): boolean => /^[\da-f]{24}$/.test(text);

/** Ids are opaque to clients, so one of another shape is simply not there. */
@Injectable()
export class TaskIdPipe implements PipeTransform<string, string> {
  transform(id: string): string {
    if (!isTaskId(id)) throw new TaskNotFound();
    return id;
  }
}
