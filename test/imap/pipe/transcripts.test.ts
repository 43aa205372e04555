import { playTranscripts } from '../transcript.js';
import { replay } from './transcript.js';

playTranscripts('transcripts of the pipe', 'test/imap/pipe/transcripts', replay);
