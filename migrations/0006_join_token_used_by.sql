ALTER TABLE `join_tokens` DROP COLUMN `used_at`;--> statement-breakpoint
ALTER TABLE `join_tokens` DROP COLUMN `used_by_agent_id`;