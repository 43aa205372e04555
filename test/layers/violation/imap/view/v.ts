import { i } from '../i.js';
export const v = i;
