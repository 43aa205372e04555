import { a } from '../mime/a.js';
export const w = a;
