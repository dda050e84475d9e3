# SPDX-License-Identifier: GPL-2.0
# A format of po4a: our documents in Markdown. po4a's own format takes a whole table as one string, or none of it, and
# wraps differently from version to version.
#
# A string is a paragraph, an item of a list, a heading, or a cell of a table. Code is copied: fenced blocks, indented
# ones, and cells without text of their own. Of the indented ones, drawings are strings.
package Locale::Po4a::Document;

use 5.010;
use strict;
use warnings;

use parent qw(Locale::Po4a::TransTractor);

my $WIDTH = 120;

sub initialize { }

# Runs a function on characters. Up to po4a 0.69 strings are bytes.
sub as_characters {
	my ($text, $function) = @_;
	my $bytes = utf8::decode($text);
	$text = $function->($text);
	utf8::encode($text) if $bytes;
	return $text;
}

# Lines as long as they may be. What would mean something at the start of a line stays where it is.
sub fold {
	my ($text, $first, $rest) = @_;
	my @lines = ($first);
	my $start = 1;
	for my $word (split / +/, $text) {
		if (!$start && length("$lines[-1] $word") > $WIDTH && $word !~ /^(?:[-+*>|=#]|\d+[.)]$)/) {
			push @lines, $rest;
			$start = 1;
		}
		$lines[-1] .= ($start ? '' : ' ') . $word;
		$start = 0;
	}
	return join("\n", @lines) . "\n";
}

# A string of one line, however long.
sub text {
	my ($self, $text, $ref, $type) = @_;
	return $self->translate($text, $ref, $type, wrap => 1, wrapcol => 1000000);
}

sub paragraph {
	my ($self, $first, $rest, $lines, $ref, $type) = @_;
	my $text = join ' ', map { s/^ +| +$//gr } @$lines;
	$self->pushline(as_characters($self->text($text, $ref, $type), sub { fold($_[0], $first, $rest) }));
}

sub row {
	my ($self, $line, $ref) = @_;
	my @cells = split /(?<!\\)\|/, $line, -1;
	for my $cell (@cells[1 .. $#cells - 1]) {
		my $text = $cell =~ s/^ +| +$//gr;
		# Not what is code only.
		next if $text =~ s/`[^`]*`|<br>//gr !~ /[A-Za-z]/;
		$cell = ' ' . $self->text($text, $ref, 'cell') . ' ';
	}
	$self->pushline(join('|', @cells) . "\n");
}

sub parse {
	my $self = shift;
	my (@lines, @block, $first, $rest, $start, $type, $fence);
	my $blank = 1;
	my $list = 0;
	my $end = sub {
		$self->paragraph($first, $rest, \@lines, $start, $type) if @lines;
		@lines = ();
		return unless @block;
		my $code = join '', @block;
		my $drawing;
		as_characters($code, sub { $drawing = $_[0] =~ /\x{2500}/; $_[0] });
		$self->pushline($drawing ? $self->translate($code, $start, 'drawing') : $code);
		@block = ();
	};
	while (1) {
		my ($line, $ref) = $self->shiftline();
		last unless defined $line;
		chomp $line;
		if (defined $fence) {
			$self->pushline("$line\n");
			undef $fence if $line =~ /^ *$fence *$/;
		} elsif ($line =~ /^ *(```+)/) {
			$fence = $1;
			$end->();
			$self->pushline("$line\n");
		} elsif ($line =~ /^ *$/) {
			$end->();
			$self->pushline("\n");
		} elsif ($line =~ /^(#+ +)(.*)/) {
			$end->();
			my ($mark, $title) = ($1, $2);
			$self->pushline($mark . $self->text($title, $ref, 'heading') . "\n");
			$list = 0;
		} elsif ($line =~ /^\|/) {
			$end->();
			$self->row($line, $ref);
			$list = 0;
		} elsif ($line =~ /^( *(?:-|\d+\.) +)(.*)/) {
			$end->();
			($first, @lines) = ($1, $2);
			($rest, $start, $type) = ($first =~ s/./ /gr, $ref, 'item');
			$list = 1;
		} elsif (@block || (!$list && $blank && $line =~ /^    /)) {
			$start = $ref unless @block;
			push @block, "$line\n";
		} elsif (@lines) {
			push @lines, $line;
		} else {
			my ($indent) = $line =~ /^( *)/;
			$list = 0 if $indent eq '';
			($first, $rest, $start, $type) = ($indent, $indent, $ref, 'paragraph');
			@lines = ($line);
		}
		$blank = $line =~ /^ *$/;
	}
	$end->();
}

1;
