# A guest that counts in all of its memory and says so on its first serial port: a boot sector, so that it is there at once
# with any QEMU. After QEMU's own tests of migration (tests/migration/i386/a-b-bootblock.S).
#
#   start            printed once for each boot
#   count 0000002A   a pass: each page from 1 MiB to the end of memory had 29, and has 2A now
#   BAD 00345000     this page had not what the last pass left there; the guest stands still
#
# So one start, counts without a gap and no BAD mean: it has not lost a bit of state that it could see. It rests until the
# next tick of the timer (18 in a second) after each pass. It takes 16 MiB of memory or more, and a floppy: the BIOS would
# leave a virtio disk with its rings in the memory that is counted in, and QEMU looks at these when a machine goes on.

        .set    COM1, 0x3f8
        .set    LINE_STATUS, COM1 + 5
        .set    CAN_SEND, 0x20
        .set    FIRST_PAGE, 0x100000
        .set    PAGE, 0x1000
        .set    CODE, 8
        .set    DATA, 16
        # The BIOS has the timer at vector 8. The table of vectors is written where its own was.
        .set    TIMER_GATE, 8 * 8

        .code16
        .text
        .globl  _start
_start:
        cli
        xor     %eax, %eax
        mov     %ax, %ds
        # Above 1 MiB every other megabyte is hidden else.
        in      $0x92, %al
        or      $2, %al
        out     %al, $0x92
        lgdtl   descriptors
        lidtl   vectors
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        ljmpl   $CODE, $protected

        .code32
protected:
        mov     $DATA, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     $_start, %esp

        movw    $tick, TIMER_GATE
        movw    $CODE, TIMER_GATE + 2
        movl    $0x8e00, TIMER_GATE + 4
        # No interrupts but the timer's.
        mov     $0xfe, %al
        out     %al, $0x21
        mov     $0xff, %al
        out     %al, $0xa1

        # The end of memory, to ebx: registers 0x34 and 0x35 of the CMOS count 64 KiB above 16 MiB.
        mov     $0x35, %al
        out     %al, $0x70
        in      $0x71, %al
        mov     %al, %ah
        mov     $0x34, %al
        out     %al, $0x70
        in      $0x71, %al
        movzwl  %ax, %ebx
        shl     $16, %ebx
        add     $0x1000000, %ebx

        # The count, to ebp. The BIOS has left its own in some pages.
        xor     %ebp, %ebp
        mov     $FIRST_PAGE, %edi
1:      mov     %ebp, (%edi)
        add     $PAGE, %edi
        cmp     %ebx, %edi
        jb      1b

        mov     $start, %esi
        call    print

pass:
        mov     $FIRST_PAGE, %edi
1:      cmp     %ebp, (%edi)
        jne     wrong
        incl    (%edi)
        add     $PAGE, %edi
        cmp     %ebx, %edi
        jb      1b

        inc     %ebp
        mov     $count, %esi
        mov     %ebp, %edx
        call    print_number
        sti
        hlt
        cli
        jmp     pass

wrong:
        mov     $bad, %esi
        mov     %edi, %edx
        call    print_number
1:      hlt
        jmp     1b

# The text at esi, the number in edx and the line's end.
print_number:
        call    print
        mov     $8, %ecx
1:      rol     $4, %edx
        mov     %dl, %al
        and     $15, %al
        cmp     $10, %al
        jb      2f
        add     $'A' - '0' - 10, %al
2:      add     $'0', %al
        call    send
        loop    1b
        mov     $end_of_line, %esi

# The text at esi, to its zero.
print:
        lodsb
        test    %al, %al
        jz      1f
        call    send
        jmp     print
1:      ret

# The character in al, when the port has sent the one before.
send:
        push    %edx
        push    %eax
        mov     $LINE_STATUS, %edx
1:      in      %dx, %al
        test    $CAN_SEND, %al
        jz      1b
        pop     %eax
        mov     $COM1, %edx
        out     %al, %dx
        pop     %edx
        ret

# Comes only while the guest rests, when nobody needs al.
tick:
        mov     $0x20, %al
        out     %al, $0x20
        iret

start:  .asciz  "start\n"
count:  .asciz  "count "
bad:    .asciz  "BAD "
end_of_line:
        .asciz  "\n"

        .balign 8
table:
        .quad   0
        .quad   0x00cf9a000000ffff      # code: all of 4 GiB
        .quad   0x00cf92000000ffff      # data: the same
descriptors:
        .word   descriptors - table - 1
        .long   table
vectors:
        .word   TIMER_GATE + 7
        .long   0

        .org    510
        .word   0xaa55
