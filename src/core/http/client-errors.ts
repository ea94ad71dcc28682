import { Logger } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { v7 as uuidv7 } from 'uuid';
import { HeaderTooLarge, RequestMalformed, RequestTooSlow } from '../errors/core.errors.js';
import type { DomainError, ErrorDefinition } from '../errors/domain-error.js';
import { problemOf } from '../errors/problem.js';

type Refusal = Error & { readonly code?: string };

/**
 * Answers what Node refuses to read and of which there is no request: broken lines, a header that does not end or is
 * too large. In the form of every other problem; the connection is of no use any more.
 */
export function answerClientErrors(publicUrl: string): (refusal: Refusal, socket: Socket) => void {
  const logger = new Logger('HTTP');
  return (refusal, socket) => {
    if (refusal.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const problem = problemOf(errorOf(refusal), { id: uuidv7(), path: '/' }, publicUrl);
    const { status, code, requestId } = problem;
    logger.log({ message: `unreadable request ${status}`, status, ip: socket.remoteAddress, problem: code, requestId });
    const body = JSON.stringify(problem);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      `X-Request-Id: ${requestId}`,
      'Connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  };
}

function errorOf({ code }: Refusal): DomainError & ErrorDefinition {
  if (code === 'HPE_HEADER_OVERFLOW') return new HeaderTooLarge();
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? new RequestTooSlow() : new RequestMalformed();
}
