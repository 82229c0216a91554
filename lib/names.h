/* SPDX-License-Identifier: MIT */
/*
 * A static library cannot hide what its files share with each other. So that
 * these names do not meet a program's own, the installed library is compiled
 * with this file in front. tests/headers/check_static.sh finds names that are
 * missing here.
 */
#ifndef SHMIPC_NAMES_H
#define SHMIPC_NAMES_H

#define batch_read               shmipc_batch_read
#define batch_read_array         shmipc_batch_read_array
#define batch_read_detail        shmipc_batch_read_detail
#define batch_write              shmipc_batch_write
#define batch_write_array        shmipc_batch_write_array
#define batch_write_detail       shmipc_batch_write_detail
#define block_again              shmipc_block_again
#define channel_close            shmipc_channel_close
#define channel_configure        shmipc_channel_configure
#define channel_create           shmipc_channel_create
#define channel_finish_closing   shmipc_channel_finish_closing
#define channel_join             shmipc_channel_join
#define channel_leave            shmipc_channel_leave
#define channel_lost_producers   shmipc_channel_lost_producers
#define channel_null_handle      shmipc_channel_null_handle
#define channel_recover          shmipc_channel_recover
#define channel_repair           shmipc_channel_repair
#define channel_repair_sometimes shmipc_channel_repair_sometimes
#define channel_tell_all         shmipc_channel_tell_all
#define clock_after              shmipc_clock_after
#define clock_after_timeout      shmipc_clock_after_timeout
#define clock_now                shmipc_clock_now
#define clock_sleep_until        shmipc_clock_sleep_until
#define clock_timeout_is_valid   shmipc_clock_timeout_is_valid
#define format_blocks_in         shmipc_format_blocks_in
#define format_default_owners    shmipc_format_default_owners
#define format_open              shmipc_format_open
#define format_region            shmipc_format_region
#define format_region_size       shmipc_format_region_size
#define format_slack             shmipc_format_slack
#define futex_sleep              shmipc_futex_sleep
#define futex_wake               shmipc_futex_wake
#define handle_attach            shmipc_handle_attach
#define handle_attach_detail     shmipc_handle_attach_detail
#define handle_close             shmipc_handle_close
#define handle_consume           shmipc_handle_consume
#define handle_create            shmipc_handle_create
#define handle_formatted_anew    shmipc_handle_formatted_anew
#define handle_produce           shmipc_handle_produce
#define handle_read_only         shmipc_handle_read_only
#define mapping_may_store        shmipc_mapping_may_store
#define owner_count              shmipc_owner_count
#define owner_drop_role          shmipc_owner_drop_role
#define owner_fate               shmipc_owner_fate
#define owner_free               shmipc_owner_free
#define owner_pid                shmipc_owner_pid
#define owner_producers_are_dead shmipc_owner_producers_are_dead
#define owner_register           shmipc_owner_register
#define owner_release            shmipc_owner_release
#define owner_take_role          shmipc_owner_take_role
#define pace_rest                shmipc_pace_rest
#define poll_descriptor          shmipc_poll_descriptor
#define process_creation_number  shmipc_process_creation_number
#define process_fate             shmipc_process_fate
#define process_fence_others     shmipc_process_fence_others
#define process_has_membarrier   shmipc_process_has_membarrier
#define process_next_handle      shmipc_process_next_handle
#define process_self             shmipc_process_self
#define process_token_make       shmipc_process_token_make
#define process_token_page       shmipc_process_token_page
#define read_allocate            shmipc_read_allocate
#define read_detail              shmipc_read_detail
#define read_entry               shmipc_read_entry
#define read_is_stuck            shmipc_read_is_stuck
#define read_look_otherwise      shmipc_read_look_otherwise
#define read_peek                shmipc_read_peek
#define read_skip                shmipc_read_skip
#define receive_allocate         shmipc_receive_allocate
#define receive_entry            shmipc_receive_entry
#define receive_skip             shmipc_receive_skip
#define receive_skip_force       shmipc_receive_skip_force
#define receive_tell             shmipc_receive_tell
#define recover_dead             shmipc_recover_dead
#define recover_skip             shmipc_recover_skip
#define send_abort               shmipc_send_abort
#define send_commit              shmipc_send_commit
#define send_entry               shmipc_send_entry
#define send_tell                shmipc_send_tell
#define stats_detail             shmipc_stats_detail
#define stats_fill               shmipc_stats_fill
#define wait_announce            shmipc_wait_announce
#define wait_backend_eventfd     shmipc_wait_backend_eventfd
#define wait_backend_futex       shmipc_wait_backend_futex
#define wait_backend_io_uring    shmipc_wait_backend_io_uring
#define wait_backend_sleep       shmipc_wait_backend_sleep
#define wait_close               shmipc_wait_close
#define wait_join                shmipc_wait_join
#define wait_notify_promised     shmipc_wait_notify_promised
#define wait_notify_rarely       shmipc_wait_notify_rarely
#define wait_open                shmipc_wait_open
#define wait_pass_on             shmipc_wait_pass_on
#define wait_sleep               shmipc_wait_sleep
#define wait_take_back           shmipc_wait_take_back
#define wait_wake                shmipc_wait_wake
#define wait_wake_and_promise    shmipc_wait_wake_and_promise
#define write_abort              shmipc_write_abort
#define write_body               shmipc_write_body
#define write_claim_otherwise    shmipc_write_claim_otherwise
#define write_commit             shmipc_write_commit
#define write_commit_detail      shmipc_write_commit_detail
#define write_detail             shmipc_write_detail
#define write_entry              shmipc_write_entry
#define write_pieces             shmipc_write_pieces
#define write_reserve            shmipc_write_reserve

#endif
