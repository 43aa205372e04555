/** Why the demo cannot go on, in sentences with the remedy. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}
