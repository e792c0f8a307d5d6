"""What was seen, and what it proves: records, redaction, proof, figures, scores."""
