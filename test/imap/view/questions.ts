/** What clients ask of a message: items of FETCH. */
import fc from 'fast-check';

const NAMES = [
  'Subject',
  'FROM',
  'to',
  'Date',
  'Content-Type',
  'content-id',
  'X-A',
  'X-Nothing',
  'Received',
  'References',
];

/** Items whose answer is text: strings of it may be spelled quoted or as literals. */
export const TEXT_ITEMS = ['ENVELOPE', 'BODY', 'BODYSTRUCTURE', 'RFC822.SIZE', 'PREVIEW'] as const;

const number = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 2 }) }, fc.integer({ min: 1, max: 5 }));
const path = fc.array(number, { minLength: 1, maxLength: 4 }).map((numbers) => numbers.join('.'));
const fields = fc
  .tuple(
    fc.constantFrom('HEADER.FIELDS', 'HEADER.FIELDS.NOT'),
    fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }),
  )
  .map(([name, names]) => `${name} (${names.join(' ')})`);
const partial = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  fc
    .tuple(
      fc.oneof(fc.constant(0), fc.nat(60), fc.nat(2000)),
      fc.oneof(fc.constant(0), fc.nat(60), fc.nat(2000), fc.constant(4_000_000_000)),
    )
    .map(([offset, count]) => `<${offset}.${count}>`),
);
const section = fc.oneof(
  { weight: 2, arbitrary: fc.oneof(fc.constantFrom('', 'HEADER', 'TEXT'), fields) },
  { weight: 3, arbitrary: path },
  {
    weight: 4,
    arbitrary: fc
      .tuple(path, fc.oneof(fc.constantFrom('HEADER', 'TEXT', 'MIME', 'MIME'), fields))
      .map((both) => both.join('.')),
  },
);
const binarySection = fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 4, arbitrary: path });

/** Any item. */
export const question: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('RFC822', 'RFC822.HEADER', 'RFC822.TEXT') },
  { weight: 6, arbitrary: fc.tuple(section, partial).map(([name, range]) => `BODY.PEEK[${name}]${range}`) },
  { weight: 3, arbitrary: fc.tuple(binarySection, partial).map(([name, range]) => `BINARY.PEEK[${name}]${range}`) },
  { weight: 1, arbitrary: binarySection.map((name) => `BINARY.SIZE[${name}]`) },
);
