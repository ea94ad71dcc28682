import Transport from 'winston-transport';

/** Where winston's formats leave the finished line. */
const LINE = Symbol.for('message');

/**
 * Lines to standard output. What one turn of the event loop has to say goes out in one write, because each write costs a
 * system call; warnings and errors go at once, so that they are there whatever happens next.
 */
export class StandardOutput extends Transport {
  private lines = '';

  constructor() {
    super();
    process.once('exit', () => this.flush());
  }

  override log(info: { readonly level: string; readonly [LINE]?: string }, next: () => void): void {
    if (!this.lines) setImmediate(() => this.flush());
    this.lines += `${info[LINE]}\n`;
    if (info.level === 'error' || info.level === 'warn') this.flush();
    next();
  }

  private flush(): void {
    if (!this.lines) return;
    const { lines } = this;
    this.lines = '';
    process.stdout.write(lines);
  }
}
