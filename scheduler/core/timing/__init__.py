"""What a cron expression and a time zone mean, before any job."""
