"""The streamed clearinghouse from outside: commands into Kafka, and what comes of them."""
