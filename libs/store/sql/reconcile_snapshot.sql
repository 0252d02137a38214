-- The first statement of a transaction all of whose readings are to be of one moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY
