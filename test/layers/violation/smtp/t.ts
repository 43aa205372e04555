import { s } from './s.js';
export const x = s;
import { p } from '../src/p.js';
export const y = p;
