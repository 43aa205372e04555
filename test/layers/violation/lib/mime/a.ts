import { b } from '../openpgp/b.js';
export const a = b;
