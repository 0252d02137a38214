-- The day, and the settings that those who write have to have.
SELECT today, (SELECT fingerprint FROM state.settings) AS fingerprint FROM state.calendar
