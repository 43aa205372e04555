/** Peak memory of a process that opens or seals, above that of one that has loaded everything and does nothing. */
import type { Material, Mode } from './material.js';
import { MB, type Result, atMost, runProgram, script, told } from './measure.js';

const SIZES = [10 * MB, 100 * MB, 1000 * MB];

export async function memory(material: Material): Promise<Result[]> {
  const peak = async (what: string, mode: Mode, file = ''): Promise<number> => {
    const { stderr } = await runProgram(process.execPath, [
      script('process.js'),
      what,
      mode,
      await material.keyFile(mode),
      file,
    ]);
    return Number(stderr) / 1000;
  };
  const idle = await peak('idle', 'v1');
  const results = [told('memory of an idle process', idle, ' MB')];
  for (const size of SIZES) {
    for (const [mode, name] of [
      ['v1', 'SEIPDv1'],
      ['ocb', 'SEIPDv2 OCB'],
    ] as const) {
      const sealed = await material.sealedFile(mode, size);
      const opening = await peak('open', mode, sealed.path);
      results.push(atMost(`memory above idle, opening ${size / MB} MB, ${name}`, opening - idle, 60, ' MB'));
      const sealing = await peak('seal', mode, await material.payloadFile(size));
      results.push(atMost(`memory above idle, sealing ${size / MB} MB, ${name}`, sealing - idle, 60, ' MB'));
    }
  }
  return results;
}
