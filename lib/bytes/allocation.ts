/** How memory for buffers comes from the system, and goes back. */

/**
 * Octets of a block whose release tells glibc to keep twice as much of what is freed; at most 32 MiB count, by its
 * DEFAULT_MMAP_THRESHOLD_MAX.
 */
const KEPT_SIZE = 4 * 1024 * 1024;
let done = false;

/**
 * To be called before much is streamed. The garbage collector frees buffers in bursts of some MB, and glibc gives such a burst
 * back to the system at once, to take it anew a page fault for every 4 KiB later: that took a fifth of the time of sealing. It
 * keeps up to twice the largest block that it mapped by itself and was freed (mallopt(3), M_MMAP_THRESHOLD). This is such a block;
 * nothing is written to it, so that it takes no memory. With another C library it does nothing.
 */
export function keepFreedMemory(): void {
  if (done) return;
  done = true;
  Buffer.allocUnsafeSlow(KEPT_SIZE);
}
