import Transport from 'winston-transport';

/** Where winston's formats leave the finished line. */
export const LINE = Symbol.for('message');

const WAIT_MS = 50;
/** Characters. */
const ENOUGH = 32 * 1024;

let waiting = '';
let timer: NodeJS.Timeout | undefined;

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  if (!waiting) return;
  const lines = waiting;
  waiting = '';
  process.stdout.write(lines);
}
process.once('exit', flush);

/**
 * A line for standard output. A write is a system call that also wakes up whoever reads: so what is said within 50 ms goes
 * out together. Warnings and errors go at once, so that they are there whatever happens next.
 */
export function writeLine(level: string, line: string): void {
  waiting += `${line}\n`;
  if (level === 'error' || level === 'warn' || waiting.length > ENOUGH) flush();
  else timer ??= setTimeout(flush, WAIT_MS).unref();
}

/** winston's way there. */
export class StandardOutput extends Transport {
  override log(info: { readonly level: string; readonly [LINE]?: string }, next: () => void): void {
    writeLine(info.level, info[LINE] ?? '');
    next();
  }
}
