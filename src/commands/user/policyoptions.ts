/** The options for the policies of a profile. */
import { type Command, Option } from 'commander';
import { type HeaderChoice, HEADER_CHOICES, type Policies } from '#lib/vault/profile';

/** As commander hands them over. */
export interface PolicyOptions {
  readonly compatible?: boolean;
  readonly headers?: HeaderChoice;
  /** False: none. */
  readonly exempt?: readonly string[] | false;
}

export function addPolicyOptions(command: Command): Command {
  return command
    .option('--compatible', 'encrypt so that every OpenPGP program can read it (SEIPDv1)')
    .option('--no-compatible', 'encrypt for Postern alone (SEIPDv2), whatever the certificate announces')
    .addOption(
      new Option('--headers <policy>', 'what stays readable of the header (default: standard)').choices(HEADER_CHOICES),
    )
    .option(
      '--exempt <mailbox>',
      'store what is saved in this mailbox as it comes, not encrypted; may be given several times',
      (mailbox: string, before: readonly string[] | false | undefined) => [
        ...(before === undefined || before === false ? [] : before),
        mailbox,
      ],
    )
    .option('--no-exempt', 'exempt no mailbox');
}

/** The policies with what the options change. */
export function policiesFrom({ compatible, headers, exempt }: PolicyOptions, before: Policies = {}): Policies {
  const { exempt: exemptBefore, ...others } = before;
  const mailboxes = exempt === undefined ? exemptBefore : exempt === false ? undefined : exempt;
  return {
    ...others,
    ...(compatible === undefined ? {} : { compatible }),
    ...(headers === undefined ? {} : { headers }),
    ...(mailboxes === undefined ? {} : { exempt: mailboxes }),
  };
}
