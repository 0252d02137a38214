-- No other epoch begins until the transaction ends.
SELECT epoch FROM stream_progress WHERE stream = $1 FOR SHARE
