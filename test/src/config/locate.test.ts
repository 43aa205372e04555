import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { type KeyPath, locator } from '#src/config/locate';

/** Every value's path. */
function paths(value: unknown, path: KeyPath = []): readonly (readonly [KeyPath, unknown])[] {
  if (Array.isArray(value)) return value.flatMap((each, index) => paths(each, [...path, index]));
  if (typeof value !== 'object' || value === null || value instanceof Date) return [[path, value]];
  return Object.entries(value).flatMap(([key, each]) => paths(each, [...path, key]));
}

/** In these documents a value that is a whole number is the number of its own line. */
function checkNumbers(document: string): void {
  const locate = locator(document);
  const numbers = paths(parse(document)).filter(([, value]) => Number.isInteger(value));
  assert.ok(numbers.length > 0);
  for (const [path, value] of numbers) assert.equal(locate(path), value, `${JSON.stringify(path)} in\n${document}`);
}

describe('the locator', () => {
  it('finds values below headers, dotted keys and quoted keys', () => {
    checkNumbers(`a = 1
b.c = 2
b . "d.e" = 3
'f' = 4
"g\\u0041\\"]" = 5
[h.i]
j = 7 # [k]
[h]
l = 9
[ "m n" . o ]
p = 11`);
  });

  it('counts the tables of an array, and those inside each', () => {
    checkNumbers(`[[a]]
b = 2
[[a.c]]
d = 4
[[a.c]]
d = 6
[a.e]
f = 8
[[a]]
[[a.c]]
d = 11
[a.e.g]
h = 13`);
  });

  it('finds what is in inline tables and arrays over several lines', () => {
    checkNumbers(`a = [ 1, 1, # 3
  2, [
    3 ], { b = 3, c = { d.e = 3 } },
]
f = [ { g = [] }, {}, { g = [ { h = 5 } ] } ]
i = 6`);
  });

  it('is not misled by texts and comments', () => {
    checkNumbers(`# a = 9
a = """
[b]
c = 9 \\""" d = 9
""""" # two quotes of its own
b = 6
c = '''
a = "'''
d = 9.5
e = "\\" # no comment"
f = 'a\\'
g = 12
h = 1979-05-27 07:32:00 # a date with a blank
i = 14
j = ["]", ']', """}
""", 16]
k = { l = "}", m = 17 }
"#" = 18
n = ""
o = ''''''
p = 21`);
  });

  it('goes by lines that end in CRLF as well', () => {
    checkNumbers('a = 1\r\n\r\n[b] # c\r\nd = 4\r\ne = """\r\n"""\r\nf = 7\r\n');
  });

  it('knows where tables stand, and of what is missing the closest around it', () => {
    const locate = locator('\n[a.b]\nc = 3\n[[d]]\n[[d]]\n[a]\n');
    assert.equal(locate(['a', 'b']), 2);
    assert.equal(locate(['a', 'b', 'missing']), 2);
    assert.equal(locate(['a']), 6);
    assert.equal(locate(['d', 0]), 4);
    assert.equal(locate(['d', 1, 'missing', 7]), 5);
    assert.equal(locate(['missing']), 1);
    assert.equal(locate([]), 1);
  });

  it('finds every number in documents made at random', () => {
    const key = fc.constantFrom(
      ...'a b c d e f g h i j k l m'.split(' '),
      '"n o"',
      "'p.q'",
      'r.s',
      'r.t',
      'r."u"',
      '"\\u0041"',
    );
    const blank = fc.constantFrom('', ' ', '\t');
    const value = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(
          'LINE',
          'LINE',
          'LINE',
          '"]\\""',
          "'}'",
          '"""\nx = 1\n"""',
          "'''\n[y]\n'''",
          '1.5',
          'true',
          '1979-05-27',
        ),
        fc.array(tie('value'), { maxLength: 3 }).map((items) => `[\n${items.join(' ,# ]\n')}\n]`),
        fc
          .array(tie('value'), { maxLength: 3 })
          .map((items) => `{ ${items.map((each, i) => `k${i} = ${each}`).join(', ')} }`),
      ),
    })).value;
    const line = fc.oneof(
      fc.tuple(key, blank, value).map(([name, space, given]) => `${space}${name}${space}=${space}${given} # c`),
      fc.tuple(key, blank).map(([name, space]) => `${space}[${space}${name}${space}]`),
      fc.tuple(key, blank).map(([name, space]) => `[[${space}${name}${space}]]`),
      fc.constantFrom('', '# a = 1', '\r'),
    );
    let checked = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const document = [...lines, '']
          .join('\n')
          .split('\n')
          .map((each, index) => each.replaceAll('LINE', String(index + 1)))
          .join('\n');
        let parsed;
        try {
          parsed = parse(document);
        } catch {
          return; // keys twice, or a line end inside an inline table
        }
        const locate = locator(document);
        for (const [path, found] of paths(parsed)) {
          if (!Number.isInteger(found)) continue;
          assert.equal(locate(path), found, `${JSON.stringify(path)} in\n${document}`);
          checked += 1;
        }
      }),
      { numRuns: 2000 },
    );
    assert.ok(checked > 500, `only ${checked} numbers were looked for`);
  });
});
