# Before the user's own script: encrypt. From here on every action handles the encrypted message.
require ["vnd.dovecot.filter", "ihave"];

# As a bare command, a filter that ends with an exit code other than 0 would be taken as "leave the message as it is".
if not filter "postern-encrypt" {
  # Ends all scripts, the user's included. The implicit keep then finds no inbox (99-postern.conf): LMTP answers 451.
  error "The message could not be encrypted; it stays in the queue. The reason is in the log above.";
}
