/* SPDX-License-Identifier: MIT */
/*
 * A static library cannot hide what its files share with each other. So that
 * these names do not meet a program's own, the installed library is compiled
 * with this file in front. tests/headers/check_static.sh finds names that are
 * missing here.
 */
#ifndef SHMIPC_NAMES_H
#define SHMIPC_NAMES_H

#define batch_read                shmipc_batch_read
#define batch_read_array          shmipc_batch_read_array
#define batch_write               shmipc_batch_write
#define batch_write_array         shmipc_batch_write_array
#define buffer_producers_are_dead shmipc_buffer_producers_are_dead
#define buffer_shut               shmipc_buffer_shut
#define channel_abort             shmipc_channel_abort
#define channel_close             shmipc_channel_close
#define channel_commit            shmipc_channel_commit
#define channel_configure         shmipc_channel_configure
#define channel_create            shmipc_channel_create
#define channel_join              shmipc_channel_join
#define channel_leave             shmipc_channel_leave
#define channel_poll              shmipc_channel_poll
#define channel_read_rounds       shmipc_channel_read_rounds
#define channel_read_until        shmipc_channel_read_until
#define channel_recover           shmipc_channel_recover
#define channel_send              shmipc_channel_send
#define channel_send_until        shmipc_channel_send_until
#define channel_skip              shmipc_channel_skip
#define channel_skip_force        shmipc_channel_skip_force
#define channel_try               shmipc_channel_try
#define channel_write             shmipc_channel_write
#define format_blocks_in          shmipc_format_blocks_in
#define format_default_owners     shmipc_format_default_owners
#define format_open               shmipc_format_open
#define format_region             shmipc_format_region
#define format_region_size        shmipc_format_region_size
#define format_slack              shmipc_format_slack
#define handle_attach             shmipc_handle_attach
#define handle_attach_detail      shmipc_handle_attach_detail
#define handle_close              shmipc_handle_close
#define handle_consume            shmipc_handle_consume
#define handle_create             shmipc_handle_create
#define handle_produce            shmipc_handle_produce
#define owner_count               shmipc_owner_count
#define owner_drop_role           shmipc_owner_drop_role
#define owner_fate                shmipc_owner_fate
#define owner_free                shmipc_owner_free
#define owner_pid                 shmipc_owner_pid
#define owner_producers_are_dead  shmipc_owner_producers_are_dead
#define owner_register            shmipc_owner_register
#define owner_release             shmipc_owner_release
#define owner_take_role           shmipc_owner_take_role
#define pace_rest                 shmipc_pace_rest
#define process_fate              shmipc_process_fate
#define process_has_membarrier    shmipc_process_has_membarrier
#define process_next_handle       shmipc_process_next_handle
#define process_self              shmipc_process_self
#define process_token_make        shmipc_process_token_make
#define process_token_page        shmipc_process_token_page
#define read_after_nothing        shmipc_read_after_nothing
#define read_allocate             shmipc_read_allocate
#define read_detail               shmipc_read_detail
#define read_entry                shmipc_read_entry
#define read_is_stuck             shmipc_read_is_stuck
#define read_peek                 shmipc_read_peek
#define read_skip                 shmipc_read_skip
#define recover_dead              shmipc_recover_dead
#define recover_skip              shmipc_recover_skip
#define stats_detail              shmipc_stats_detail
#define stats_fill                shmipc_stats_fill
#define wait_announce             shmipc_wait_announce
#define wait_backend_eventfd      shmipc_wait_backend_eventfd
#define wait_backend_futex        shmipc_wait_backend_futex
#define wait_backend_io_uring     shmipc_wait_backend_io_uring
#define wait_backend_sleep        shmipc_wait_backend_sleep
#define wait_close                shmipc_wait_close
#define wait_declare_deaf         shmipc_wait_declare_deaf
#define wait_declare_polled       shmipc_wait_declare_polled
#define wait_fence_on             shmipc_wait_fence_on
#define wait_how                  shmipc_wait_how
#define wait_notify_fenced        shmipc_wait_notify_fenced
#define wait_now                  shmipc_wait_now
#define wait_on_word              shmipc_wait_on_word
#define wait_open                 shmipc_wait_open
#define wait_pass_on              shmipc_wait_pass_on
#define wait_sleep                shmipc_wait_sleep
#define wait_wake                 shmipc_wait_wake
#define write_abort               shmipc_write_abort
#define write_claim_when_full     shmipc_write_claim_when_full
#define write_commit              shmipc_write_commit
#define write_commit_detail       shmipc_write_commit_detail
#define write_describe            shmipc_write_describe
#define write_detail              shmipc_write_detail
#define write_entry               shmipc_write_entry
#define write_pieces              shmipc_write_pieces
#define write_reserve             shmipc_write_reserve

#endif
