import { x } from './t.js';
export const s = x;
