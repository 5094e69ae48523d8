"""What is ours on Kafka: topics, messages, the settings to reach a broker."""
