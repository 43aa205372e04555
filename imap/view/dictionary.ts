/** What records have in common, for deflate to begin with: the more frequent, the nearer to the end. Part of the form of records. */
export const DICTIONARY = Buffer.from(
  [
    'Received: from mail. (mail. [\r\n\tby with ESMTPS id \r\n\tfor <; DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=gmail.com; s=; ',
    'h=from:to:subject:date:message-id; bh=; b=Authentication-Results: dkim=pass spf=pass dmarc=passReturn-Path: <List-Unsubscribe: <https://',
    'List-Id: <In-Reply-To: <References: <Reply-To: MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8Content-Type: multipart/alternative;',
    ' boundary="Content-Transfer-Encoding: quoted-printable\r\nX-Mailer: User-Agent: Mozilla Thunderbird\r\nDate: Mon, Tue, Wed, Thu, Fri, Sat, ',
    'Sun, Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec 2025 2026 +0000 +0100 +0200\r\nCc: \r\nTo: \r\nFrom: \r\nMessage-ID: <\r\nSubject: ',
    '=?UTF-8?Q?=?utf-8?B? Re: Fwd: ("application" "pdf" ("name" ".pdf") NIL NIL "base64" ("image" "png" ("name" "image.png") "<" NIL ("inline" ',
    '("filename" "image.png")) NIL NIL)("attachment" ("filename" "("message" "rfc822" NIL NIL NIL "7bit" (("text" "html" ("charset" "us-ascii") ',
    'NIL NIL "7bit" ("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" NIL NIL NIL NIL) "related" "mixed" "alternative" ("boundary" ',
    '"----=_Part_") NIL NIL NIL)((NIL NIL "@gmail.com" "example.com>")) NIL NIL NIL "<',
  ].join(''),
  'latin1',
);
