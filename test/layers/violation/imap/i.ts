import { s } from '../smtp/s.js';
export const i = s;
