import { SetMetadata } from '@nestjs/common';

export const ANSWER_HEADERS = 'taskflow:answer-headers';

/** Names header fields that a handler itself adds to its good answers, with what they say. */
export const AnswerHeaders = (headers: Readonly<Record<string, string>>): MethodDecorator =>
  SetMetadata(ANSWER_HEADERS, headers);
