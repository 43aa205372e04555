/* The layer rules of ARCHITECTURE.md: src → imap, smtp → lib; no circles; some folders of lib import no sibling. */

/** The top of the tree, or of the copy of it that breaks every rule (test/layers). */
const TOP = '^(?:test/layers/violation/)?';

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'lib-knows-no-protocol',
      comment: 'lib/ knows neither IMAP nor SMTP nor the program.',
      severity: 'error',
      from: { path: `${TOP}lib/` },
      to: { path: `${TOP}(src|imap|smtp|test)/` },
    },
    {
      name: 'protocols-do-not-meet',
      comment: 'imap/ imports neither smtp/ nor src/.',
      severity: 'error',
      from: { path: `${TOP}imap/` },
      to: { path: `${TOP}(src|smtp|test)/` },
    },
    {
      name: 'smtp-imports-only-lib',
      comment: 'smtp/ imports neither imap/ nor src/.',
      severity: 'error',
      from: { path: `${TOP}smtp/` },
      to: { path: `${TOP}(src|imap|test)/` },
    },
    {
      name: 'program-knows-no-test',
      severity: 'error',
      from: { path: `${TOP}src/` },
      to: { path: `${TOP}test/` },
    },
    {
      name: 'lib-leaves',
      comment:
        'bytes, mime, net, pki and store import no sibling folder of lib/ (but bytes, which everybody may, and the form of the log).',
      severity: 'error',
      from: { path: `${TOP}lib/(bytes|mime|net|pki|store)/` },
      to: { path: `${TOP}lib/`, pathNot: `${TOP}lib/(?:(?:bytes|$1)/|log\\.ts$)` },
    },
    {
      name: 'vault-below-message',
      comment: 'A vault knows keys, and nothing of messages.',
      severity: 'error',
      from: { path: `${TOP}lib/vault/` },
      to: { path: `${TOP}lib/`, pathNot: `${TOP}lib/(?:bytes|keys|openpgp|vault)/` },
    },
    {
      name: 'pure-wire-and-view',
      comment: 'Protocol parsing and the plaintext view touch no socket and no file.',
      severity: 'error',
      from: { path: `${TOP}(?:imap/(?:wire|view)|lib/mime)/` },
      to: { path: '^(node:)?(net|tls|fs|http|https|dgram|child_process)(/|$)' },
    },
    {
      name: 'view-knows-no-session',
      comment: 'What a message looks like depends on its octets, and on nothing of a session.',
      severity: 'error',
      from: { path: `${TOP}imap/view/` },
      to: {
        path: `${TOP}(?:imap|lib)/`,
        pathNot: `${TOP}(?:imap/(?:view|wire)/|lib/(?:bytes|mime)/|lib/message/transfer)`,
      },
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'default', 'types'],
    },
  },
};
