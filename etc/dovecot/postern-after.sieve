# After the user's own script, if that has not filed the message elsewhere: into the real inbox.
require ["fileinto", "body"];

# Only what is encrypted: should postern-before.sieve be missing one day, then mail waits in the queue.
if anyof (header :contains "Content-Type" "multipart/encrypted",
          body :content "text" :contains "-----BEGIN PGP MESSAGE-----") {
  fileinto "Encrypted/INBOX";
}
