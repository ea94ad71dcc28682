/**
 * Counts the commands in what a client sends to Redis: each is an array of bulk strings (RESP), whatever chunks and
 * pipelines they come in. Anything else is not counted.
 */
export class RespCounter {
  commands = 0;
  /** In capitals, in order. */
  readonly names: string[] = [];
  private rest: Buffer = Buffer.alloc(0);
  private foreign = false;

  read(chunk: Buffer): void {
    if (this.foreign) return;
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    for (let end = this.command(); end !== undefined; end = this.command()) this.rest = this.rest.subarray(end);
  }

  /** Where the first command ends, when all of it is there. */
  private command(): number | undefined {
    if (this.rest.length === 0) return undefined;
    if (this.rest[0] !== 0x2a /* * */) {
      this.foreign = true;
      return undefined;
    }
    let line = this.line(0);
    if (!line) return undefined;
    let name = '';
    for (let part = 0, parts = line.value; part < parts; part++) {
      const header = this.line(line.end);
      if (!header || header.end + header.value + 2 > this.rest.length) return undefined;
      if (part === 0) name = this.rest.toString('latin1', header.end, header.end + header.value).toUpperCase();
      line = { value: header.value, end: header.end + header.value + 2 };
    }
    this.commands++;
    this.names.push(name);
    return line.end;
  }

  /** The number in the line that begins at `start`, after its first character. */
  private line(start: number): { value: number; end: number } | undefined {
    const end = this.rest.indexOf('\r\n', start, 'latin1');
    if (end === -1) return undefined;
    return { value: Number(this.rest.toString('latin1', start + 1, end)), end: end + 2 };
  }
}
