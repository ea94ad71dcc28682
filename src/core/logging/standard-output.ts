import Transport from 'winston-transport';

/** Where winston's formats leave the finished line. */
const LINE = Symbol.for('message');

let waiting = '';

function flush(): void {
  if (!waiting) return;
  const lines = waiting;
  waiting = '';
  process.stdout.write(lines);
}
process.once('exit', flush);

/**
 * Lines to standard output. What one turn of the event loop has to say goes out in one write, because each write costs a
 * system call; warnings and errors go at once, so that they are there whatever happens next.
 */
export class StandardOutput extends Transport {
  override log(info: { readonly level: string; readonly [LINE]?: string }, next: () => void): void {
    if (!waiting) setImmediate(flush);
    waiting += `${info[LINE]}\n`;
    if (info.level === 'error' || info.level === 'warn') flush();
    next();
  }
}
