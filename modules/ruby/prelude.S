/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the module that is written in Ruby, as bytes. */
    .section .rodata
    .hidden ruby_prelude
    .hidden ruby_prelude_end
    .global ruby_prelude
    .global ruby_prelude_end
ruby_prelude:
    .incbin "prelude.rb"
ruby_prelude_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
