/** `postern encrypt` of a small message as a whole process against an empty Node. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { payloadOf } from '#test/vectors/payload';
import { type Material, keyFor } from './material.js';
import { type Result, atMost, interleaved, runProgram, told } from './measure.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const ROUNDS = 15;

export async function start(material: Material): Promise<Result[]> {
  const certificate = join(material.folder, 'certificate.asc');
  const message = join(material.folder, 'message.eml');
  writeFileSync(certificate, (await keyFor('ocb')).toPublic().armor());
  writeFileSync(message, payloadOf('mail', 3000));
  const time = await interleaved(ROUNDS, {
    node: () => runProgram(process.execPath, ['--eval', '0']),
    postern: () => runProgram(process.execPath, [MAIN, 'encrypt', certificate], { input: message }),
  });
  return [
    told('an empty Node', time.node.wall, ' ms'),
    told('postern encrypt of 3 KB', time.postern.wall, ' ms'),
    told('postern encrypt against an empty Node, by processor time', time.postern.cpu / time.node.cpu, '×'),
    atMost('postern encrypt against an empty Node', time.postern.wall / time.node.wall, 2.5, '×'),
  ];
}
