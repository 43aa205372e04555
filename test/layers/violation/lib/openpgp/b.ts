export const b = 1;
import { i } from '../../imap/i.js';
export const c = i;
