/** Exit codes of sysexits.h, which mail servers understand: 75 keeps the message in the queue, 65 and 67 return it. */
export const Exit = {
  ok: 0,
  /** The command line is wrong. */
  usage: 64,
  /** The input is not what it should be. */
  dataError: 65,
  /** An input file is missing or cannot be read. */
  noInput: 66,
  /** No such recipient: no usable certificate. */
  noUser: 67,
  /** Something that is needed is not to be had: a port that another program has. */
  unavailable: 69,
  /** A fault of ours. */
  software: 70,
  /** An output file cannot be made. */
  cannotCreate: 73,
  /** Reading or writing failed. */
  ioError: 74,
  /** Try again later; nothing is lost. */
  tempFail: 75,
  /** Not permitted: a wrong passphrase, a file that may not be read. */
  noPermission: 77,
  /** The configuration or the state folder is wrong. */
  config: 78,
} as const;

export type ExitCode = (typeof Exit)[keyof typeof Exit];

/** An error with the exit code it should end in. Its message is a sentence for the user: the thing, the cause, the remedy. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
