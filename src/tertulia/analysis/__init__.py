"""What a conversation says: summary, tasks, risks, decisions, feelings, and answers to questions, with evidence."""
