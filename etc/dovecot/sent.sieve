# A user's own script: copies of sent mail go to Sent, encrypted.
#
# Let the mail program send a blind copy of everything to yourself (Thunderbird: Copies & Folders, "Bcc these addresses";
# mutt: "my_hdr Bcc:") instead of saving it on the server in clear. The copy comes in like all mail and is encrypted like all
# mail. The word after the plus sign is a secret of yours, so that nobody else can put mail into your Sent folder.
require ["envelope", "subaddress", "fileinto", "imap4flags"];

if envelope :detail :is "to" "sent-3f9a61c07d" {
  setflag "\\Seen";
  fileinto "Sent";
}
