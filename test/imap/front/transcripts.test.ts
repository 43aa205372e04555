import { playTranscripts } from '../transcript.js';
import { replay } from './transcript.js';

playTranscripts('transcripts of the time before login', 'test/imap/front/transcripts', replay);
