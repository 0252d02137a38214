SELECT tablename AS name, attnames AS columns FROM pg_publication_tables WHERE pubname = $1 AND schemaname = 'public'
