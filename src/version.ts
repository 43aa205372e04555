/** Postern's version. A test holds it equal to package.json's, which is not read at run time: start-up counts. */
export const VERSION = '0.1.0';
