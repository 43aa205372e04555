/**
 * Writes to standard output and resolves when the system has taken all of it. Rejects with the system's error: a reader that has
 * gone (EPIPE), a full disk.
 */
export async function print(content: string | Uint8Array): Promise<void> {
  const { stdout } = process;
  await new Promise<void>((resolve, reject) => {
    // Without a listener the error would end the process before the promise could tell of it.
    stdout.once('error', reject);
    stdout.write(content, (error) => {
      if (error) reject(error);
      else {
        stdout.removeListener('error', reject);
        resolve();
      }
    });
  });
}
