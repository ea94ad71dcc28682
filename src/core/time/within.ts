/** @throws what `run` throws, or that it took too long: whoever began something that bears no interruption is not heard */
export async function within<T>(timeoutMs: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs);
  let expire!: () => void;
  const expired = new Promise<never>((_resolve, reject) => {
    expire = () => reject(new Error(`took longer than ${timeoutMs} ms`));
  });
  signal.addEventListener('abort', expire, { once: true });
  try {
    return await Promise.race([run(signal), expired]);
  } finally {
    signal.removeEventListener('abort', expire);
  }
}
