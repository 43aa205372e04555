import type { Handlers } from '../pipe/commands.js';
import { append } from './append.js';
import { compress } from './compress.js';
import { enable } from './enable.js';
import { fetch } from './fetch.js';
import { idle } from './idle.js';
import { deselect, select } from './select.js';

/** The commands that do not simply pass. */
export const HANDLERS: Handlers = { append, select, deselect, enable, fetch, idle, compress };
