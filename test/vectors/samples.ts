/** The encrypted samples of RFC 9580 Appendix A. Those for a password are opened with the session key that the RFC states. */
import { good, type Made } from './makepeers.js';
import type { Vector } from './catalogue.js';

const SAMPLES: readonly (readonly [name: string, base64: string, sessionKey?: string])[] = [
  [
    'rfc9580-a8-x25519-ocb',
    `wV0GIQYSyD8ecG9jCP4VGkF3Q6HwM3kOk+mXhIjR2zeNqZMIhRmHzxjV8bU/gXzO
WgBM85PMiVi93AZfJfhK9QmxfdNnZBjeo1VDeVZheQHgaVf7yopqR6W1FT6NOrfS
aQIHAgZhZBZTW+CwcW1g4FKlbExAf56zaw76/prQoN+bAzxpohup69LA7JW/Vp0l
yZnuSj3hcFj0DfqLTGgr4/u717J+sPWbtQBfgMfG9AOIwwrUBqsFE9zW+f1zdlYo
bhF30A+IitsxxA==`,
  ],
  [
    'rfc9580-a9-eax',
    `w0AGHgcBCwMIpa5XnR/F2Cv/aSJPkZmTs1Bvo7WaanPP+MXvxfQcV/tU4cImgV14
KPX5LEVOtl6+AKtZhsaObnxV0mkCBwEGn/kOOzIZZPOkKRPI3MZhkyUBUifvt+rq
pJ8EwuZ0F11KPSJu1q/LnKmsEiwUcOEcY9TAqyQcapOK1Iv5mlqZuQu6gyXeYQR1
QCWKt5Wala0FHdqW6xVDHf719eIlXKeCYVRuM5o=`,
    '3881bafe985412459b86c36f98cb9a5e',
  ],
  [
    'rfc9580-a10-ocb',
    `wz8GHQcCCwMIVqKY0vXjZFP/z8xcEWZO2520JZDX3EawckG2EsOBLP/76gDyNHsl
ZBEj+IeuYNT9YU4IN9gZ02zSaQIHAgYgpmH3MfyaMDK1YjMmAn46XY21dI6+/wsM
WRDQns3WQf+f04VidYA1vEl1TOG/P/+n2tCjuBBPUTPPQqQQCoPu9MobSAGohGv0
K82nyM6dZeIS8wHLzZj9yt5pSod61CRzI/boVw==`,
    '28e79ab82397d3c63de24ac217d7b791',
  ],
  [
    'rfc9580-a11-gcm',
    `wzwGGgcDCwMI6dOXhbIHAAj/tC58SD70iERXyzcmubPbn/d25fTZpAlS4kRymIUa
v/91Jt8t1VRBdXmneZ/SaQIHAwb8uUSQvLmLvcnRBsYJAmaUD3LontwhtVlrFXax
Ae0Pn/xvxtZbv9JNzQeQlm5tHoWjAFN4TLHYtqBpnvEhVaeyrWJYUxtXZR/Xd3kS
+pXjXZtAIW9ppMJI2yj/QzHxYykHOZ5v+Q==`,
    '1936fc8568980274bb900d8319360c77',
  ],
];

export function makeSamples(): Made[] {
  return SAMPLES.flatMap(([name, base64, sessionKey]) => {
    const message = Buffer.from(`-----BEGIN PGP MESSAGE-----\n\n${base64}\n-----END PGP MESSAGE-----\n`, 'latin1');
    const shape = { kind: 'hello', size: 13, seipd: 2 } as const;
    const made = good(name, 'RFC 9580 Appendix A', ['rfc9580-v6'], message, shape);
    if (sessionKey === undefined) return [made];
    const vector: Vector = { ...made.vector, keys: [], sessionKey: { algorithm: 7, key: sessionKey } };
    return [{ ...made, vector }];
  });
}
