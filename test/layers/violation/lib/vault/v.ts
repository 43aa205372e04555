import { a } from '../mime/a.js';
export const v = a;
